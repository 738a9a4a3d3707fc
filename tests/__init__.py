"""The tests of Muara; they mirror the packages."""
