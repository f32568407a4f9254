//! What `[http]` may say, and what each wrong text has beside it that passes.

use super::super::KeysAt;
use super::*;

const TENANTS: &str = "[[http.tenants]]\nmember = \"grocer\"\norganisation = \"org-1\"\n[[http.tenants]]\nmember = \"brand\"\n";

fn set(text: &str) -> Result<Http> {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    std::fs::write(home.settings(), text).unwrap();
    assert!(super::super::store(&home).unwrap().is_none(), "nobody else is kept from anything");
    assert!(super::super::triggers(&home).is_ok(), "nor from listening");
    http(&home)
}

fn code(text: &str) -> String {
    set(text).map(drop).unwrap_err().code
}

#[test]
fn a_tenant_is_told_where_it_says_and_its_secret_is_a_variables() {
    let with = |more: &str| format!("[[http.tenants]]\nmember = \"brand\"\n{more}");
    let both = "notify_url = \"https://hooks.example.org/a\"\nnotify_secret_env = \"HOOK\"";
    let tenants = set(&with(both)).unwrap().tenants;
    let (url, variable) = tenants[0].notify.clone().unwrap();
    assert_eq!((url.as_str(), variable.as_str()), ("https://hooks.example.org/a", "HOOK"));
    assert_eq!(set(&with("")).unwrap().tenants[0].notify, None);
    for wrong in [
        "notify_url = \"https://hooks.example.org/a\"",
        "notify_secret_env = \"HOOK\"",
        "notify_url = \"http://hooks.example.org/a\"\nnotify_secret_env = \"HOOK\"",
        "notify_url = \"https://169.254.169.254/\"\nnotify_secret_env = \"HOOK\"",
        "notify_url = \"http://127.0.0.1:9/\"\nnotify_secret_env = \"HOOK\"",
        "notify_url = \"https://hooks.example.org/a\"\nnotify_secret_env = \"hunter2hunter2\"",
    ] {
        let error = set(&with(wrong)).map(drop).unwrap_err();
        assert_eq!(error.code, "settings-invalid", "{wrong}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let here = with(
        "notify_url = \"http://127.0.0.1:9/\"\nnotify_secret_env = \"HOOK\"\n[egress]\nloopback = true",
    );
    assert!(set(&here).unwrap().tenants[0].notify.is_some());
}

fn issuer(more: &str) -> String {
    format!(
        "{TENANTS}[[http.issuers]]\nissuer = \"https://id.example\"\njwks_file = \"id.json\"\n{more}"
    )
}

#[test]
fn nothing_set_is_a_loopback_address_and_nobody() {
    for text in ["", "[http]", "[store]\nurl = \"postgres://a@b/c\""] {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::open(folder.path()).unwrap();
        std::fs::write(home.settings(), text).unwrap();
        let http = http(&home).unwrap();
        assert_eq!(http.listen.to_string(), "127.0.0.1:8470");
        assert_eq!(http.audience, "airlock");
        assert!(http.hosts.contains("localhost") && http.hosts.len() == 3);
        assert!(!http.development_issuer && http.tenants.is_empty() && http.issuers.is_empty());
    }
}

#[test]
fn what_is_reached_from_elsewhere_is_meant_to_be() {
    let listen = |at: &str, more: &str| format!("[http]\nlisten = \"{at}\"\n{more}");
    for (at, beyond) in [
        ("0.0.0.0:8470", true),
        ("10.0.0.1:8470", true),
        ("[::]:8470", true),
        ("[::1]:8470", false),
    ] {
        let meant = set(&listen(at, "beyond_loopback = true")).unwrap();
        assert_eq!(meant.listen.to_string(), at);
        assert_eq!(set(&listen(at, "")).is_err(), beyond, "{at}");
        if beyond {
            assert_eq!(code(&listen(at, "")), "http-exposed");
        }
    }
    assert_eq!(code(&listen("localhost:8470", "")), "settings-invalid");
    assert_eq!(code(&listen("127.0.0.1", "")), "settings-invalid");
}

#[test]
fn the_development_issuer_is_never_reached_from_elsewhere() {
    let with = |at: &str, more: &str| {
        format!("[http]\nlisten = \"{at}\"\ndevelopment_issuer = true\n{more}")
    };
    for at in ["0.0.0.0:8470", "10.0.0.1:1", "[::]:8470", "[2001:db8::1]:1", "[::ffff:127.0.0.1]:1"]
    {
        assert_eq!(code(&with(at, "")), "development-issuer-exposed", "{at}");
        assert_eq!(code(&with(at, "beyond_loopback = true")), "development-issuer-exposed");
    }
    for at in ["127.0.0.1:8470", "127.9.9.9:1", "[::1]:8470"] {
        assert!(set(&with(at, "")).unwrap().development_issuer, "{at}");
        assert!(set(&with(at, "beyond_loopback = true")).unwrap().development_issuer);
    }
}

#[test]
fn this_machine_is_asked_for_those_alone_who_are_on_it() {
    let with = |at: &str| {
        format!("[http]\nlisten = \"{at}\"\nbeyond_loopback = true\n[egress]\nloopback = true")
    };
    assert_eq!(code(&with("0.0.0.0:8470")), "egress-loopback-exposed");
    assert!(set(&with("127.0.0.1:8470")).unwrap().egress.is_loopback());
    assert!(!set("").unwrap().egress.is_loopback());
}

#[test]
fn the_development_issuer_knows_the_members_of_the_folder_unless_tenants_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::open(folder.path()).unwrap();
    for member in ["grocer", "brand"] {
        std::fs::write(home.member_key(&MemberId::new(member).unwrap()), "").unwrap();
    }
    let tenants = |text: &str| {
        std::fs::write(home.settings(), text).unwrap();
        let tenants = http(&home).unwrap().tenants;
        tenants.iter().map(|tenant| tenant.member.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(tenants("[http]\ndevelopment_issuer = true"), ["brand", "grocer"]);
    assert!(tenants("[http]").is_empty());
    let named = "[http]\ndevelopment_issuer = true\n[[http.tenants]]\nmember = \"brand\"";
    assert_eq!(tenants(named), ["brand"]);
}

#[test]
fn an_issuer_speaks_for_those_whom_it_lists() {
    let http = set(&issuer("tenants = [\"grocer\"]")).unwrap();
    let one = &http.issuers[0];
    assert_eq!(one.tenants, http.tenants[..1]);
    assert_eq!(one.tenants[0].organisation, "org-1");
    assert_eq!((one.organisation_claim.as_str(), one.roles_claim.as_str()), ("org", "roles"));
    assert!(one.typ == TokenType::AccessToken && !one.operators);
    let KeysAt::File(file) = &one.keys.at else { panic!("{one:?}") };
    assert!(file.is_absolute() && file.ends_with("id.json"));
    let other =
        set(&issuer("typ = \"JWT\"\noperators = true\nroles_claim = \"https://x/r\"")).unwrap();
    assert!(other.issuers[0].typ == TokenType::Jwt && other.issuers[0].operators);
    assert!(other.issuers[0].tenants.is_empty());
    assert_eq!(http.tenants[1].organisation, "brand", "a member's own name, unless it has another");
}

#[test]
fn what_would_be_two_things_at_once_is_refused() {
    let twice = "[[http.tenants]]\nmember = \"grocer\"\n[[http.tenants]]\nmember = \"grocer\"\norganisation = \"x\"";
    let one_organisation = format!(
        "{}[[http.tenants]]\nmember = \"bank\"\norganisation = \"org-1\"",
        issuer("tenants = [\"grocer\", \"bank\"]\n")
    );
    let at = |more: &str| format!("[[http.issuers]]\nissuer = \"https://id.example\"\n{more}");
    let mine = "[[http.issuers]]\nissuer = \"urn:airlock:development-issuer\"\njwks_file = \"x\"";
    for text in [
        twice.to_owned(),
        one_organisation,
        mine.to_owned(),
        issuer("tenants = [\"nobody\"]"),
        issuer("tenants = [\"grocer\", \"grocer\"]"),
        issuer("typ = \"jwt\""),
        issuer("organisation_claim = \"sub\""),
        issuer("roles_claim = \"org\""),
        issuer("roles_claim = \"\""),
        issuer("jwks_url = \"https://id.example/keys\""),
        issuer("keys_hours_max = 0"),
        issuer("keys_hours_max = 169"),
        at("jwks_url = \"http://id.example/keys\""),
        at("jwks_url = \"https://10.0.0.1/keys\""),
        at("jwks_url = \"https://id.example/\"\ndiscovery = \"https://id.example/\""),
        at("discovery = \"https://localhost/\""),
        at("tenants = []"),
        format!(
            "{}[[http.issuers]]\nissuer = \"https://id.example\"\njwks_file = \"x\"",
            issuer("")
        ),
        "[[http.issuers]]\nissuer = \"https://id.example\"".to_owned(),
        "[[http.issuers]]\nissuer = \" https://id.example\"\njwks_file = \"x\"".to_owned(),
        "[[http.tenants]]\nmember = \"Grocer\"".to_owned(),
        "[[http.tenants]]\nmember = \"grocer\"\nplaces = [\"data\"]".to_owned(),
        "[[http.tenants]]\nmember = \"grocer\"\nplaces = [\"s3://a/../b\"]".to_owned(),
        "[[http.tenants]]\nmember = \"grocer\"\ndestinations = [\"https://a/b\"]".to_owned(),
        "[[http.tenants]]\nmember = \"grocer\"\norganisation = \"\"".to_owned(),
        "[http]\naudience = \"\"".to_owned(),
        "[http]\nport = 1".to_owned(),
    ] {
        assert_eq!(code(&text), "settings-invalid", "{text}");
    }
    let apart = format!(
        "{}[[http.tenants]]\nmember = \"bank\"\norganisation = \"org-1\"\n\
         [[http.issuers]]\nissuer = \"https://other.example\"\njwks_file = \"x\"\ntenants = [\"bank\"]",
        issuer("tenants = [\"grocer\"]\n")
    );
    assert_eq!(set(&apart).unwrap().issuers.len(), 2, "one name with two issuers is two");
}

#[test]
fn two_people_decide_where_somebody_says_who_is_one() {
    let eyes = "[[http.tenants]]\nmember = \"grocer\"\nfour_eyes = [\"approve\", \"waive\"]\n";
    let issuer = |more: &str| {
        format!(
            "{eyes}[[http.issuers]]\nissuer = \"https://id.example\"\njwks_file = \"x\"\n{more}"
        )
    };
    let set_so = set(&issuer("tenants = [\"grocer\"]\nperson_claim = \"email\"")).unwrap();
    assert_eq!(set_so.tenants[0].four_eyes, [FourEyes::Approve, FourEyes::Waive].into());
    assert_eq!(set_so.issuers[0].person_claim.as_deref(), Some("email"));
    assert!(set(&format!("[http]\ndevelopment_issuer = true\n{eyes}")).is_ok());
    for text in [
        issuer("tenants = [\"grocer\"]"),
        issuer("person_claim = \"email\""),
        issuer("tenants = [\"grocer\"]\nperson_claim = \"\""),
        issuer("tenants = [\"grocer\"]\nperson_claim = \"sub\""),
        issuer("tenants = [\"grocer\"]\nperson_claim = \"client_id\""),
        issuer("tenants = [\"grocer\"]\nperson_claim = \"org\""),
        eyes.to_owned(),
        eyes.replace("waive", "revoke"),
        eyes.replace("waive", "decline"),
    ] {
        assert_eq!(code(&text), "settings-invalid", "{text}");
    }
}

#[test]
fn keys_are_in_one_place() {
    let kept = |text: &str| {
        let text = format!("[[http.issuers]]\nissuer = \"https://id.example\"\n{text}");
        set(&text).unwrap().issuers[0].keys.clone()
    };
    let url = kept("jwks_url = \"https://id.example/keys\"");
    assert!(matches!(url.at, KeysAt::Url(_)) && url.kept_ms == 24 * 3_600_000);
    let found = kept(
        "discovery = \"https://id.example/.well-known/openid-configuration\"\nkeys_hours_max = 1",
    );
    assert!(matches!(found.at, KeysAt::Discovery(_)) && found.kept_ms == 3_600_000);
    let inside = "[egress]\nadmit = [\"10.0.0.0/8\"]\nports = [8443]\n[[http.issuers]]\nissuer = \"https://id.example\"\n\
        jwks_url = \"https://10.0.0.1:8443/keys\"";
    assert_eq!(set(inside).unwrap().issuers.len(), 1);
}

#[test]
fn a_client_speaks_for_one_member_in_roles_of_its_own() {
    let client = |more: &str| {
        format!("{TENANTS}[[http.clients]]\nclient = \"etl\"\njwks_file = \"etl.json\"\n{more}")
    };
    let http = set(&client("member = \"grocer\"\nroles = [\"analyst\", \"auditor\"]")).unwrap();
    let one = &http.clients[0];
    assert_eq!((one.client.as_str(), one.member.as_str(), one.roles.len()), ("etl", "grocer", 2));
    for wrong in [
        "member = \"nobody\"\nroles = [\"analyst\"]",
        "member = \"grocer\"",
        "member = \"grocer\"\nroles = [\"operator\"]",
        "member = \"grocer\"\nroles = [\"admin\"]",
        "roles = [\"analyst\"]",
        "member = \"grocer\"\nroles = [\"analyst\"]\njwks_url = \"https://id.example/\"",
        "member = \"grocer\"\nroles = [\"analyst\"]\nsecret = \"x\"",
        "member = \"grocer\"\nroles = [\"analyst\"]\n[[http.clients]]\nclient = \"etl\"\nmember = \"brand\"\nroles = [\"analyst\"]\njwks_file = \"x\"",
    ] {
        assert_eq!(code(&client(wrong)), "settings-invalid", "{wrong}");
    }
    for taken in [OWN_ISSUER, DEVELOPMENT_ISSUER] {
        let text = client("member = \"grocer\"\nroles = [\"analyst\"]")
            .replace("\"etl\"", &format!("\"{taken}\""));
        assert_eq!(code(&text), "settings-invalid");
    }
}

#[test]
fn hosts_are_names_by_themselves() {
    let hosts = |name: &str| set(&format!("[http]\nhosts = [\"{name}\"]"));
    for good in ["airlock.example", "AIRLOCK", "10.0.0.1", "[2001:db8::1]"] {
        assert!(hosts(good).unwrap().hosts.contains(&good.to_lowercase()), "{good}");
    }
    for wrong in ["", "https://a", "a:80", "a/b", "a..b", "*", "[::1", "::1", "a b", "ä"] {
        assert_eq!(hosts(wrong).map(drop).unwrap_err().code, "settings-invalid", "{wrong}");
    }
}
