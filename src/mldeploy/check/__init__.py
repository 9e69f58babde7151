"""What makes a project good, as a scored list: `mldeploy check`.

Every item reads files, git and uv; none imports the project's code or its libraries.
"""
