"""One module for each command; see `deploy.cli` for how they are found."""
