"""What ``djsb doctor`` shows: an installation, some plugins, or what one experiment needs."""
