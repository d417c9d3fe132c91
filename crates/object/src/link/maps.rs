//! Map specifications for the target, with the user's sizes.

use osmia_program::{Initial, MapOrigin, MapSpec};

use super::externs::Values;
use crate::{LinkOptions, LinkProblem, Object};

/// Every map of the object, in its order.
pub(super) fn specs(
    object: &Object,
    options: &LinkOptions,
    values: &Values,
    problems: &mut Vec<LinkProblem>,
) -> Vec<MapSpec> {
    let mut specs: Vec<MapSpec> = object.maps.iter().map(|decl| decl.spec.clone()).collect();
    for spec in &mut specs {
        if spec.origin == MapOrigin::Kconfig {
            spec.initial = Initial::Value(values.configuration.clone());
        }
    }
    for (name, entries) in &options.max_entries {
        let Some(spec) = specs.iter_mut().find(|spec| spec.name == *name) else {
            problems.push(LinkProblem::NoMap {
                name: name.clone(),
                known: object
                    .maps
                    .iter()
                    .map(|decl| decl.spec.name.clone())
                    .collect(),
            });
            continue;
        };
        if matches!(
            spec.origin,
            MapOrigin::Data | MapOrigin::Kconfig | MapOrigin::StructOps
        ) {
            problems.push(LinkProblem::FixedMap { name: name.clone() });
            continue;
        }
        spec.max_entries = *entries;
    }
    specs
}
