//! Where an account is, as the platform says it, against where an agreement puts a room. Pure.

use mappings::model::Region;

/// The clouds, as they stand in front of a region's name.
const CLOUDS: [&str; 3] = ["aws-", "azure-", "gcp-"];

/// What `CURRENT_REGION()` says, as agreements write it: `aws-eu-central-1`. A region group before it is left out.
pub(crate) fn canonical(native: &str) -> String {
    let name = native.rsplit('.').next().unwrap_or(native);
    name.to_ascii_lowercase().replace('_', "-")
}

/// Whether an account of this region is where a room is. Agreements may leave the cloud out.
pub(crate) fn is_in(native: &str, room: &Region) -> bool {
    let region = canonical(native);
    let bare = CLOUDS.iter().find_map(|cloud| region.strip_prefix(cloud));
    room.as_str() == region || bare == Some(room.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_with_or_without_its_cloud() {
        let room = |name: &str| name.parse::<Region>().unwrap();
        for native in ["AWS_EU_CENTRAL_1", "PUBLIC.AWS_EU_CENTRAL_1", "aws_eu_central_1"] {
            assert!(
                is_in(native, &room("eu-central-1")) && is_in(native, &room("aws-eu-central-1"))
            );
            assert!(!is_in(native, &room("eu-central-2")) && !is_in(native, &room("central-1")));
        }
        assert!(is_in("AZURE_WESTEUROPE", &room("westeurope")));
        assert!(!is_in("AZURE_WESTEUROPE", &room("aws-westeurope")));
    }
}
