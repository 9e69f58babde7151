"""What runs on the machine of a job, with the Python that it has: 3.7 or later, and no package."""
