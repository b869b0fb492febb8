"""What networks are built of: streaming layers, the base module, the audio trunk, distillation."""
