"""What was used and how models did: two tables with a chart, for people who look and for notebooks."""
