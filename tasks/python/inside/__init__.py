"""The child's side: it has the user's code and no database. Standard library only at its start."""
