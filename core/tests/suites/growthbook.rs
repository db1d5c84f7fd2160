//! GrowthBook: `packages/sdk-js/test/cases.json`.

use std::error::Error;
use std::path::Path;

use crate::frame::Suite;

pub(crate) fn suite(_folder: &Path) -> Result<Suite, Box<dyn Error>> {
    Ok(Suite::new("growthbook"))
}
