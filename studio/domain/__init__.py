"""Plain values the studio works with: clips, takes, recipes, setups, rules; no Qt widgets."""
