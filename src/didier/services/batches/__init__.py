"""Many numbers at once: decided, previewed, copied, edited, imported, carried out, undone."""
