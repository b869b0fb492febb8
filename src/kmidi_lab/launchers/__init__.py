"""How the jobs of a sweep are run: in forked workers, on Slurm, on Ray. `hydra_plugins` makes them known to Hydra."""
