//! Shared helpers of the scenario runners.
