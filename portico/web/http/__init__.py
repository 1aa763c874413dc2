"""HTTP below the views: the granian adapter, request types and cookies."""
