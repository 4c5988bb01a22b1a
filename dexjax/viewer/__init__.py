"""The page in the browser: a world and its policy live, or a hand with sliders."""
