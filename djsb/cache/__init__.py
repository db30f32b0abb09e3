"""Results of finished jobs, stored by what determines them, for reuse."""
