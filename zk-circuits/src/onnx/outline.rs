//! What a model file says of itself, whether or not it can be proved.

use super::{Dim, Model, ModelError, ValueInfo};
use crate::onnx::tensor::type_name;
use std::{collections::BTreeMap, fmt};

/// What a model file says of itself: any well-formed file has one, provable or not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outline {
	/// The version of the default operator set.
	pub opset: i64,
	/// What it takes.
	pub inputs: Vec<ValueOutline>,
	/// What it gives.
	pub outputs: Vec<ValueOutline>,
	/// How often each operator occurs, by its name, with its domain if that is not `ai.onnx`.
	pub operators: BTreeMap<String, usize>,
	/// Elements of all its constants: weights, and what `Constant` nodes hold.
	pub constants: usize,
}

/// An input or an output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValueOutline {
	/// Its name.
	pub name: String,
	/// The name of the type of its elements in ONNX.
	pub element: String,
	/// Its dimensions, `None` for one that varies; absent where the file gives no shape.
	pub shape: Option<Vec<Option<usize>>>,
}

impl fmt::Display for ValueOutline {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{} {}", self.name, self.element)?;
		let Some(shape) = &self.shape else { return f.write_str(" of any shape") };
		let dimensions: Vec<_> = shape
			.iter()
			.map(|dimension| dimension.map_or("?".into(), |size| size.to_string()))
			.collect();
		write!(f, "[{}]", dimensions.join(", "))
	}
}

impl From<&ValueInfo> for ValueOutline {
	fn from(value: &ValueInfo) -> Self {
		let known = |dim: &Dim| match dim {
			Dim::Known(size) => Some(*size),
			Dim::Symbol(_) => None,
		};
		Self {
			name: super::brief(&value.name),
			element: type_name(value.element),
			shape: value.dims.as_ref().map(|dims| dims.iter().map(known).collect()),
		}
	}
}

impl Outline {
	/// Reads a model file whose operators may be of any domain.
	pub fn read(bytes: &[u8]) -> Result<Self, ModelError> {
		let model = Model::read_any(bytes)?;
		let mut operators = BTreeMap::new();
		for node in &model.nodes {
			let name = match node.domain.as_str() {
				"" => node.operator.clone(),
				domain => format!("{domain}.{}", node.operator),
			};
			*operators.entry(name).or_default() += 1;
		}
		Ok(Self {
			opset: model.opset,
			inputs: model.inputs.iter().map(ValueOutline::from).collect(),
			outputs: model.outputs.iter().map(ValueOutline::from).collect(),
			operators,
			constants: model.constants.values().map(|tensor| tensor.elements()).sum(),
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	const DIGITS: &[u8] = include_bytes!("../../../examples/digits/digits.provable.onnx");

	#[test]
	fn a_model_says_what_it_takes_gives_and_is_made_of() {
		let outline = Outline::read(DIGITS).unwrap();
		let sides = [&outline.inputs, &outline.outputs].map(|side| side[0].to_string());
		assert_eq!(sides, ["image uint8[?, 64]", "scores int32[?, 10]"]);
		assert_eq!(outline.operators["MatMulInteger"], 2);
		assert!(outline.constants > 64 * 32 + 32 * 10, "{}", outline.constants);
	}

	#[test]
	fn what_is_no_model_is_refused() {
		assert!(matches!(Outline::read(b"not a model"), Err(ModelError::Malformed(_))));
	}
}
