"""What this machine has: packages, files, commands, graphics cards, room on its disks."""
