"""The composition root. Everything that knows every part stands here and nowhere else."""
