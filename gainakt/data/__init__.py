"""Raw files or a simulator -> canonical interactions -> split, windows and batches."""
