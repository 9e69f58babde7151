"""Is what the service is asked still like what the model learned from?"""
