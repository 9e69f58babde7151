"""Versioned data against a real S3 server and a real sshd."""
