"""From what was observed to UP or DOWN: assertions and their costs."""
