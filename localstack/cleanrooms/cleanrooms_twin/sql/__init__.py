"""What analysis rules mean for a query: parsed, judged, rewritten. Pure: no state, no data, no wire."""
