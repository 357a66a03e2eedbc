//! Findings without a model.
