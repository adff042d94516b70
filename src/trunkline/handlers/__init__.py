"""One module for each Lambda function: settings, one call, the answer."""
