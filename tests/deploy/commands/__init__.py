"""The subcommands of `muara`."""
