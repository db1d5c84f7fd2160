//! The browser example as files, as it would be deployed: the tests open these.

use anyhow::Result;

use crate::process::run;
use crate::stamp::Stamp;
use crate::{tools, workspace};

/// Builds the page around the npm package, which has to be built.
pub(crate) fn example() -> Result<()> {
    tools::node_packages()?;
    let root = workspace::root();
    let folder = root.join("examples").join("browser");
    let package = root.join("npm");
    let inputs = [
        folder.clone(),
        package.join("src"),
        package.join("scripts"),
        package.join("package.json"),
        package.join("tsconfig.json"),
        root.join("package-lock.json"),
    ];
    let stamp = Stamp::of("browser-example", &inputs, &[])?;
    if !stamp.is_current(&[&folder.join("dist").join("index.html")]) {
        println!("building the browser example");
        run(tools::npm().args(["run", "build", "--silent", "--workspace", "examples/browser"]))?;
        stamp.set()?;
    }
    Ok(())
}
