"""What a person reads after a run: the HTML report, docs/RESULTS.md, docs/CONTRACTS.md, a sweep's leaderboard."""
