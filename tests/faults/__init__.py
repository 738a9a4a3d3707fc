"""What can go wrong does go wrong here, with real processes and services, and the figures end exact all the same."""
