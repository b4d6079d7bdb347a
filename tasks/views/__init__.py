"""The pages of DAGs and runs, a module for each kind of page."""
