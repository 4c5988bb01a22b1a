"""What cameras see: points for policies, pictures and films for people."""
