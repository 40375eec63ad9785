//! What a node may use in which opset.
//!
//! Kernels for integers came to ONNX Runtime later than the operators; some operands were
//! attributes before. `agreement/opsets.rs` finds the same bounds by asking ONNX Runtime.

use super::{onnx, ElementType, ImportError};
use std::ops::RangeInclusive;

/// The first opset in which ONNX Runtime 1.28 runs an operator on a type, where that is not the
/// first one that is read.
pub(crate) const KERNELS: [(&str, ElementType, i64); 9] = [
	("Clip", ElementType::I32, 12),
	("Clip", ElementType::U8, 12),
	("Max", ElementType::I32, 12),
	("Max", ElementType::U8, 12),
	("MaxPool", ElementType::U8, 12),
	("Min", ElementType::I32, 12),
	("Min", ElementType::U8, 12),
	("ReduceMax", ElementType::U8, 12),
	("Relu", ElementType::I32, 14),
];

/// Attributes that an operator has in some opsets only.
pub(crate) const ATTRIBUTES: [(&str, &str, RangeInclusive<i64>); 14] = [
	("ArgMax", "select_last_index", 12..=21),
	("Cast", "saturate", 19..=21),
	("ReduceMax", "axes", 11..=17),
	("ReduceMax", "noop_with_empty_axes", 18..=21),
	("ReduceSum", "axes", 11..=12),
	("ReduceSum", "noop_with_empty_axes", 13..=21),
	("Reshape", "allowzero", 14..=21),
	("Resize", "antialias", 18..=21),
	("Resize", "axes", 18..=21),
	("Resize", "keep_aspect_ratio_policy", 18..=21),
	("Split", "num_outputs", 18..=21),
	("Split", "split", 11..=12),
	("Squeeze", "axes", 11..=12),
	("Unsqueeze", "axes", 11..=12),
];

/// Operands that an operator has from some opset on.
pub(crate) const OPERANDS: [(&str, usize, i64); 6] = [
	("Pad", 3, 18),
	("ReduceMax", 1, 18),
	("ReduceSum", 1, 13),
	("Split", 1, 13),
	("Squeeze", 1, 13),
	("Unsqueeze", 1, 13),
];

/// Refuses a node that ONNX Runtime does not load in this opset; `element` is the type of its first
/// operand.
pub(super) fn check(
	node: &onnx::Node,
	opset: i64,
	element: Option<ElementType>,
) -> Result<(), ImportError> {
	let error = |reason: String| {
		Err(ImportError::Opset {
			node: node.name.clone(),
			operator: node.operator.clone(),
			reason,
			opset,
		})
	};
	let given = |at: usize| node.inputs.get(at).is_some_and(|name| !name.is_empty());
	for (operator, kind, least) in KERNELS {
		if node.operator == operator && element == Some(kind) && opset < least {
			return error(format!(
				"ONNX Runtime runs it on {kind} from opset {least} on; convert the model \
				 (onnx.version_converter)"
			));
		}
	}
	for (operator, attribute, opsets) in ATTRIBUTES {
		if node.operator == operator
			&& node.attributes.contains_key(attribute)
			&& !opsets.contains(&opset)
		{
			return error(match opset > *opsets.end() {
				true => format!(
					"the attribute {attribute} is an operand from opset {} on; write it so",
					opsets.end() + 1
				),
				false => format!(
					"the attribute {attribute} exists from opset {} on; convert the model \
					 (onnx.version_converter), or leave it out",
					opsets.start()
				),
			});
		}
	}
	for (operator, at, least) in OPERANDS {
		if node.operator == operator && given(at) && opset < least {
			return error(format!(
				"its input {at} exists from opset {least} on; write it as an attribute, or convert \
				 the model (onnx.version_converter)"
			));
		}
	}
	match node.operator.as_str() {
		"Resize" if opset < 13 && (1..3).any(|at| !given(at)) => error(
			"before opset 13 it has inputs 1 and 2 (roi and scales), empty if they are not used"
				.into(),
		),
		"Split" if opset >= 18 && given(1) == node.attributes.contains_key("num_outputs") => {
			error("from opset 18 on it has either sizes (input 1) or num_outputs".into())
		},
		_ => Ok(()),
	}
}

/// The first opset in which an operator is provable on some type.
#[cfg(test)]
pub(crate) fn least(operator: &str) -> i64 {
	let kernels = KERNELS.iter().filter(|(name, ..)| *name == operator);
	kernels.map(|&(.., least)| least).min().unwrap_or(*crate::OPSETS.start())
}
