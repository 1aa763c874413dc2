"""HTTP below the views: decoding, origin and types of requests, and cookies."""
