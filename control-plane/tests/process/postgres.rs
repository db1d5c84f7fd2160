//! A database of one test's own on the cluster that `cargo xtask test` starts.

/// Runs the test with the database's address, and drops the database. Without a cluster nothing runs, and says so.
pub(crate) async fn with_database<F, T>(name: &str, test: F)
where
    F: FnOnce(String) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    let Ok(server) = std::env::var("PENNON_TEST_POSTGRES") else {
        assert!(
            std::env::var_os("CI").is_none(),
            "PENNON_TEST_POSTGRES is not set: run `cargo xtask test`"
        );
        eprintln!(
            "NOT RUN on PostgreSQL: PENNON_TEST_POSTGRES is not set; `cargo xtask test` starts one"
        );
        return;
    };
    sqlx::any::install_default_drivers();
    let name = format!("pennon_{name}_{}", std::process::id());
    let admin = async |statement: String| {
        let mut connection =
            <sqlx::AnyConnection as sqlx::Connection>::connect(&server).await.unwrap();
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    };
    admin(format!("CREATE DATABASE {name}")).await;
    let (authority, _) = server.rsplit_once('/').unwrap();
    let ended = tokio::spawn(test(format!("{authority}/{name}"))).await;
    admin(format!("DROP DATABASE {name} WITH (FORCE)")).await;
    if let Err(error) = ended {
        std::panic::resume_unwind(error.into_panic());
    }
}
