//! Checks what an answer cites against the evidence that was given.
