//! Two gateways, each with a folder of its own, on one `PostgreSQL`. Runs where `AIRLOCK_POSTGRES_URL` names a server in which
//! databases may be made, and `AIRLOCK_POSTGRES_TOOLS` has its `psql`.

use crate::world::{Answer, World};
use std::io::Write as _;
use std::process::Command;

/// A database for one test, and the way to it.
struct Database {
    /// `postgres://ROLE:PASSWORD@HOST:PORT`.
    server: String,
    password: String,
    name: String,
}

impl Database {
    fn fresh() -> Option<Self> {
        let Ok(server) = std::env::var("AIRLOCK_POSTGRES_URL") else {
            let said = b"NOT RUN: two gateways on one PostgreSQL: AIRLOCK_POSTGRES_URL is not set; localstack/harness up postgres\n";
            std::io::stderr().write_all(said).unwrap();
            return None;
        };
        let (server, _) = server.rsplit_once('/').unwrap();
        let (_, login) = server.split_once("://").unwrap();
        let password = login.split_once('@').unwrap().0.split_once(':').unwrap().1.to_owned();
        let folder = tempfile::tempdir().unwrap().path().file_name().unwrap().to_os_string();
        let unique = folder.to_str().unwrap().to_lowercase().replace('.', "");
        let database =
            Self { server: server.to_owned(), password, name: format!("airlock_it_{unique}") };
        database.tell("postgres", &[&format!("CREATE DATABASE {}", database.name)]);
        Some(database)
    }

    fn tell(&self, database: &str, statements: &[&str]) {
        let tools = std::env::var("AIRLOCK_POSTGRES_TOOLS").unwrap();
        let mut psql = Command::new(std::path::Path::new(&tools).join("psql"));
        psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]);
        for statement in statements {
            psql.args(["-c", statement]);
        }
        let told = psql.arg(format!("{}/{database}", self.server)).output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    }

    /// The gateway's settings, without the password.
    fn settings(&self) -> String {
        let (scheme, rest) = self.server.split_once("://").unwrap();
        let (login, host) = rest.split_once('@').unwrap();
        let role = login.split_once(':').unwrap().0;
        let url = format!("{scheme}://{role}@{host}/{}", self.name);
        format!("[store]\nurl = \"{url}\"\npassword_env = \"AIRLOCK_TEST_PASSWORD\"\n")
    }

    /// A world whose gateway keeps its log here.
    fn world(&self, people: usize) -> World {
        let mut world = World::of(people);
        world.variables.push(("AIRLOCK_TEST_PASSWORD", self.password.clone()));
        world.variables.push(("AIRLOCK_LOG", "trace".to_owned()));
        std::fs::create_dir(world.path("home")).unwrap();
        std::fs::write(world.path("home/gateway.toml"), self.settings()).unwrap();
        world
    }

    fn removed(self) {
        self.tell("postgres", &[&format!("DROP DATABASE {} WITH (FORCE)", self.name)]);
    }
}

/// A second gateway that shares the first one's keys.
fn joined(world: &World) {
    std::fs::create_dir(world.path("other")).unwrap();
    let mut copied = Command::new("cp");
    copied.args(["-a", "home/keys", "home/gateway.toml", "other/"]);
    assert!(copied.current_dir(world.folder.path()).status().unwrap().success());
}

fn other(world: &World, arguments: &[&str]) -> Answer {
    Answer::of(world.command_of("other", arguments).output().unwrap())
}

#[test]
fn two_gateways_work_on_one_log() {
    let Some(database) = Database::fresh() else { return };
    let world = database.world(10);
    world.airlock(&["status"]).is(2, "home-missing");
    world.settle();
    assert!(!world.path("home/airlock.db").exists());
    joined(&world);
    other(&world, &["run", "spring", "reach", "--as", "brand"]).done();
    world.run().done();
    other(&world, &["revoke", "spring", "--dataset", "sales", "--as", "grocer"]).done();
    world.run().is(3, "dataset-revoked");
    world.log_is_whole();
    database.removed();
}

#[test]
fn a_run_of_another_gateway_is_left_alone() {
    let Some(database) = Database::fresh() else { return };
    let world = database.world(300_000);
    world.settle();
    joined(&world);
    let run = world.begun("elsewhere");
    other(&world, &["status", "spring"]).done();
    other(&world, &["run", "spring", "reach", "--as", "brand"]).done();
    run.ended().done();
    world.log_is_whole();
    database.removed();
}

#[test]
fn a_run_whose_gateway_is_gone_is_settled_by_another_once_its_lease_is_over() {
    let Some(database) = Database::fresh() else { return };
    let world = database.world(300_000);
    world.settle();
    joined(&world);
    let killed = |id: &str| {
        let run = world.begun(id);
        let id = run.id.clone();
        run.killed();
        id
    };
    let stands = |home: &str, id: &str| {
        let status = Answer::of(world.command_of(home, &["status", "spring"]).output().unwrap());
        let status = status.done();
        let mut runs = status["collaborations"][0]["runs"].as_array().unwrap().iter();
        runs.find(|run| run[0] == id).unwrap_or_else(|| panic!("{status}"))[1].clone()
    };
    let gone = killed("gone");
    assert_eq!(stands("other", &gone), "requested", "it may be at work");
    // A minute later.
    let expire =
        format!("UPDATE airlock.lease SET until_ms = 0 WHERE resource = 'run/spring/{gone}'");
    database.tell(&database.name, &[&expire]);
    assert_eq!(stands("other", &gone), "failed: interrupted");
    // Its own gateway asks nobody.
    let own = killed("own");
    assert_eq!(stands("home", &own), "failed: interrupted");
    world.run().done();
    world.log_is_whole();
    database.removed();
}

#[test]
fn an_older_database_put_back_is_found_by_each_gateway_that_knew_more() {
    let Some(database) = Database::fresh() else { return };
    let world = database.world(10);
    world.settle();
    joined(&world);
    let older = format!("{}_older", database.name);
    database.tell("postgres", &[&format!("CREATE DATABASE {older} TEMPLATE {}", database.name)]);
    other(&world, &["revoke", "spring", "--dataset", "sales", "--as", "grocer"]).done();
    // This one only looks.
    world.airlock(&["status", "spring"]).done();
    let put_back = [
        format!("DROP DATABASE {} WITH (FORCE)", database.name),
        format!("ALTER DATABASE {older} RENAME TO {}", database.name),
    ];
    database.tell("postgres", &put_back.each_ref().map(String::as_str));
    let run = ["run", "spring", "reach", "--as", "brand"];
    other(&world, &run).is(3, "log-rolled-back");
    world.run().is(3, "log-rolled-back");
    // What is denied now is denied, and never makes up for what was lost.
    other(&world, &["revoke", "spring", "--dataset", "seen", "--as", "brand"]).done();
    other(&world, &["approve", "spring", "--all", "--as", "grocer"]).is(3, "log-rolled-back");
    world.nothing_left();
    database.removed();
}

#[test]
fn a_withdrawal_is_taken_up_while_the_database_lets_nobody_in() {
    let Some(database) = Database::fresh() else { return };
    let world = database.world(300_000);
    world.settle();
    joined(&world);
    let run = ["run", "spring", "reach", "--as", "brand"];
    let at_work = world.begun("at-work");
    let lets_in = |yes: bool| {
        let name = &database.name;
        let allow = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {yes}");
        let cut = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        );
        database.tell("postgres", &[&allow, &cut]);
    };
    lets_in(false);
    let here = world.airlock(&["revoke", "spring", "--dataset", "sales", "--as", "grocer"]).done();
    assert_eq!(
        (&here["durable"], &here["because"]["code"]),
        (&false.into(), &"store-unavailable".into())
    );
    assert_eq!(at_work.ended().code, Some(1));
    world.run().is(1, "store-unavailable");
    lets_in(true);
    // The other gateway knows of it once this one has put it on record.
    world.airlock(&["status", "spring"]).done();
    other(&world, &run).is(3, "dataset-revoked");
    world.run().is(3, "dataset-revoked");
    world.nothing_left();
    world.log_is_whole();
    database.removed();
}

#[test]
fn no_answer_names_the_password() {
    let Some(database) = Database::fresh() else { return };
    let mut world = database.world(1);
    let shown = |world: &World, arguments: &[&str]| {
        let output = world.command(arguments).output().unwrap();
        let shown = [output.stdout.clone(), output.stderr.clone()].concat();
        let shown = String::from_utf8(shown).unwrap();
        for (_, value) in &world.variables {
            assert!(value == "trace" || !shown.contains(value), "{shown}");
        }
        Answer::of(output)
    };
    shown(&world, &["keygen", "--member", "grocer"]).done();
    shown(&world, &["apply", "agreement.yaml", "--as", "grocer"]).done();
    world.variables[0].1 = "hunter2hunter2".to_owned();
    shown(&world, &["status"]).is(1, "store-denied");
    let settings = database.settings().replace("@127.0.0.1", "@127.0.0.1:1/x?sslmode=");
    std::fs::write(world.path("home/gateway.toml"), settings).unwrap();
    shown(&world, &["status"]).is(2, "settings-invalid");
    let url = format!("{}/{}", database.server, database.name);
    let settings = format!("[store]\nurl = \"{url}\"\n");
    std::fs::write(world.path("home/gateway.toml"), settings).unwrap();
    world.variables[0].1.clone_from(&database.password);
    shown(&world, &["status"]).is(3, "store-password-in-file");
    let settings = "[store]\nurl_env = \"AIRLOCK_TEST_PASSWORD\"\n";
    std::fs::write(world.path("home/gateway.toml"), settings).unwrap();
    world.variables[0].1 = url;
    shown(&world, &["status"]).done();
    database.removed();
}
