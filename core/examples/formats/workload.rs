//! What is opened and evaluated: the workload's flags and contexts.

#[path = "../workload/contexts.rs"]
mod contexts;
#[path = "../workload/model.rs"]
mod model;

pub(crate) use contexts::contexts;
pub(crate) use model::*;
