pub(crate) fn dev() -> anyhow::Result<()> {
    anyhow::bail!("x")
}
