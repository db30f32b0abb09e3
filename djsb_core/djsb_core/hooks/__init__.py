"""The hooks that ship with djsb: each runs one job with the component that the job chose."""
