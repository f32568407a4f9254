//! URLs by which somebody would have a network asked name no place of an agreement: the corpus is `tests/it/egress.toml`.

use super::{BASE, read, with};

const CORPUS: &str = include_str!("../../../../tests/it/egress.toml");

#[test]
fn no_url_that_is_asked_is_a_place_of_an_agreement() {
    let corpus: toml::Table = toml::from_str(CORPUS).unwrap();
    let families = corpus["family"].as_array().unwrap();
    let of = |what: &'static str| {
        let all = families.iter().flat_map(move |family| family[what].as_array().unwrap());
        all.map(|one| one.as_str().unwrap().split(" -> ").next().unwrap().replace("PORT", "8469"))
    };
    let places = ["file:///results/brand", "file:///data/shoppers.parquet"];
    let (mut asked, mut taken) = (0, Vec::new());
    for url in of("attempts").chain(of("twins")) {
        // A YAML text in double quotes is written as one of JSON is.
        let quoted = serde_json::Value::from(url.as_str()).to_string();
        for place in places {
            asked += 1;
            if read(&with(place, &quoted)).is_ok() {
                taken.push(format!("{url} for {place}"));
            }
        }
    }
    assert!(asked >= 400, "{asked}");
    // A folder of this machine is a place; whose it is the gateway knows.
    taken.retain(|one| !one.starts_with("file:///etc/passwd for "));
    assert!(taken.is_empty(), "{}", taken.join("\n"));
    for twin in ["s3://id.example/keys", "s3://8.8.8.8/x", "file:///id.example/keys", "/etc/keys"] {
        let quoted = serde_json::Value::from(twin).to_string();
        assert!(places.iter().all(|place| read(&with(place, &quoted)).is_ok()), "{twin}");
    }
    assert!(read(BASE).is_ok());
}
