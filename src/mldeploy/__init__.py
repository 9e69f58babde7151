"""mldeploy: takes a model that you trained to a machine that is not yours, and back down again."""
