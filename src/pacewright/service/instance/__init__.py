"""What is asked and done about one instance beside the cluster: health, its share of requests."""
