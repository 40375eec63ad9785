//! Float models: a chain of dense layers.

use super::{QuantizeError, Rows};
use crate::onnx::{proto::tensor_proto::DataType, Attribute, Data, Dim, Model, Node, Tensor};

/// `y[j] = Σ_i x[i] · weights[i · columns + j] + bias[j]`, then ReLU if so.
#[derive(Clone, Debug)]
pub(super) struct Dense {
	pub(super) columns: usize,
	pub(super) weights: Vec<f64>,
	pub(super) bias: Vec<f64>,
	pub(super) relu: bool,
}

impl Dense {
	fn forward(&self, x: &[f64]) -> Vec<f64> {
		let mut y = self.bias.clone();
		for (x, row) in x.iter().zip(self.weights.chunks_exact(self.columns)) {
			if *x != 0.0 {
				y.iter_mut().zip(row).for_each(|(y, w)| *y += x * w);
			}
		}
		if self.relu {
			y.iter_mut().for_each(|y| *y = y.max(0.0));
		}
		y
	}
}

/// A float model that can be quantised.
#[derive(Clone, Debug)]
pub struct FloatModel {
	pub(super) opset: i64,
	pub(super) input_name: String,
	pub(super) output_name: String,
	pub(super) batch: Dim,
	/// Without the batch.
	pub(super) input_shape: Vec<usize>,
	pub(super) layers: Vec<Dense>,
	notes: Vec<String>,
}

/// The least and the largest value of each element, at the input and after each layer.
pub(super) struct Ranges {
	/// Whether every input value is an integer in 0..=255.
	pub(super) input_is_u8: bool,
	pub(super) values: Vec<Vec<(f64, f64)>>,
}

impl FloatModel {
	/// Reads a float model: a chain of `Gemm`, `MatMul`, `Add`, `Relu`, `Flatten` and `Identity`
	/// with constant weights. A `Softmax` at the end is dropped, and a note says so.
	pub fn from_onnx(onnx: &[u8]) -> Result<Self, QuantizeError> {
		let model = Model::read(onnx)?;
		let ([input], [output]) = (&model.inputs[..], &model.outputs[..]) else {
			return Err(QuantizeError::Interface {
				inputs: model.inputs.len(),
				outputs: model.outputs.len(),
			});
		};
		let bad_input = || QuantizeError::Input(input.name.clone());
		let (batch, rest) =
			input.dims.as_deref().and_then(<[Dim]>::split_first).ok_or_else(bad_input)?;
		let input_shape = rest
			.iter()
			.map(|dim| match dim {
				Dim::Known(size) => Some(*size),
				Dim::Symbol(_) => None,
			})
			.collect::<Option<Vec<_>>>()
			.filter(|shape| !shape.is_empty())
			.ok_or_else(bad_input)?;
		let elements = input_shape.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim));
		if input.element != DataType::Float as i32
			|| !matches!(batch, Dim::Known(1) | Dim::Symbol(_))
			|| elements.is_none_or(|n| n > crate::MAX_TENSOR_ELEMENTS)
		{
			return Err(bad_input());
		}
		let mut chain = Chain {
			model: &model,
			at: &input.name,
			shape: input_shape.clone(),
			layers: Vec::new(),
			notes: Vec::new(),
			finished: false,
		};
		for node in &model.nodes {
			chain.node(node)?;
		}
		let Chain { at, layers, notes, .. } = chain;
		if at != output.name {
			return Err(QuantizeError::Output(output.name.clone()));
		}
		if layers.last().is_none_or(|last| last.relu) {
			return Err(QuantizeError::Output(output.name.clone()));
		}
		Ok(Self {
			opset: model.opset,
			input_name: input.name.clone(),
			output_name: output.name.clone(),
			batch: batch.clone(),
			input_shape,
			layers,
			notes,
		})
	}

	/// Number of values in an input row.
	pub fn input_len(&self) -> usize {
		self.input_shape.iter().product()
	}

	/// What was changed while reading, one sentence each.
	pub fn notes(&self) -> &[String] {
		&self.notes
	}

	/// Runs the model on one row, in double precision.
	pub fn execute(&self, row: &[f32]) -> Result<Vec<f64>, QuantizeError> {
		self.check(row.len())?;
		let row = row.iter().map(|&x| f64::from(x)).collect();
		Ok(self.layers.iter().fold(row, |x: Vec<f64>, layer| layer.forward(&x)))
	}

	fn check(&self, got: usize) -> Result<(), QuantizeError> {
		let expected = self.input_len();
		match got == expected {
			true => Ok(()),
			false => Err(QuantizeError::RowLength { expected, got }),
		}
	}

	/// The ranges of all values over the calibration rows.
	pub(super) fn calibrate(&self, rows: &Rows) -> Result<Ranges, QuantizeError> {
		self.check(rows.row_len())?;
		if rows.is_empty() {
			return Err(QuantizeError::NoCalibration);
		}
		let mut values: Vec<Vec<(f64, f64)>> = Vec::new();
		let mut input_is_u8 = true;
		for row in 0..rows.len() {
			let mut x: Vec<f64> = rows.row(row).iter().map(|&x| f64::from(x)).collect();
			input_is_u8 &= x.iter().all(|x| x.fract() == 0.0 && (0.0..=255.0).contains(x));
			for at in 0..=self.layers.len() {
				if at > 0 {
					x = self.layers[at - 1].forward(&x);
				}
				if x.iter().any(|x| !x.is_finite()) {
					return Err(QuantizeError::NotFinite { row });
				}
				if values.len() == at {
					values.push(x.iter().map(|&x| (x, x)).collect());
				}
				for (range, &x) in values[at].iter_mut().zip(&x) {
					*range = (range.0.min(x), range.1.max(x));
				}
			}
		}
		Ok(Ranges { input_is_u8, values })
	}
}

/// The chain so far.
struct Chain<'a> {
	model: &'a Model,
	/// Name of the value at its end.
	at: &'a str,
	/// Shape of that value, without the batch.
	shape: Vec<usize>,
	layers: Vec<Dense>,
	notes: Vec<String>,
	finished: bool,
}

impl<'a> Chain<'a> {
	fn node(&mut self, node: &'a Node) -> Result<(), QuantizeError> {
		let error = |reason: &str| refuse(node, reason);
		if self.finished {
			return Err(error("a Softmax can be dropped at the end only, and this comes after it"));
		}
		if node.inputs.iter().filter(|name| name.as_str() == self.at).count() != 1 {
			return Err(error("it does not continue the chain: it must read the result before it"));
		}
		let [output] = &node.outputs[..] else {
			return Err(error("it must have one output"));
		};
		match node.operator.as_str() {
			"Identity" => {},
			"Flatten" => {
				if !matches!(node.attributes.get("axis"), None | Some(Attribute::Int(1))) {
					return Err(error("only axis 1, which keeps the batch, can be quantised"));
				}
				self.shape = vec![self.shape.iter().product()];
			},
			"Gemm" => self.gemm(node)?,
			"MatMul" => {
				let weights = self.weights(node, false)?;
				self.dense(node, weights, 1.0)?;
			},
			"Add" => self.add(node)?,
			"Relu" => {
				let last = self.layers.last_mut();
				last.ok_or_else(|| error("it must follow a dense layer"))?.relu = true;
			},
			"Softmax" => {
				if !matches!(node.attributes.get("axis"), None | Some(Attribute::Int(-1 | 1))) {
					return Err(error("only a Softmax over the classes (axis -1) can be dropped"));
				}
				self.finished = true;
				self.notes.push(format!(
					"the trailing Softmax '{}' was dropped: the scores have the same order",
					node.name
				));
			},
			operator => {
				return Err(QuantizeError::Operator {
					node: node.name.clone(),
					operator: operator.into(),
					hint: "Gemm, MatMul, Add, Relu, Flatten, Identity and a trailing Softmax can",
				})
			},
		}
		self.at = output;
		Ok(())
	}

	fn gemm(&mut self, node: &Node) -> Result<(), QuantizeError> {
		let float = |name: &str| match node.attributes.get(name) {
			None => Ok(1.0),
			Some(Attribute::Float(x)) if x.is_finite() => Ok(f64::from(*x)),
			Some(_) => Err(refuse(node, "alpha and beta must be finite numbers")),
		};
		let flag = |name: &str| match node.attributes.get(name) {
			None => Ok(false),
			Some(Attribute::Int(x)) => Ok(*x != 0),
			Some(_) => Err(refuse(node, "transA and transB must be integers")),
		};
		let (alpha, beta) = (float("alpha")?, float("beta")?);
		if flag("transA")? {
			return Err(refuse(node, "transA must be 0"));
		}
		let weights = self.weights(node, flag("transB")?)?;
		let columns = weights.1;
		self.dense(node, weights, alpha)?;
		if node.inputs.get(2).is_some_and(|name| !name.is_empty()) {
			let bias = self.row(node, 2, columns)?;
			let last = self.layers.last_mut().expect("dense has just pushed a layer; qed");
			last.bias = bias.into_iter().map(|b| beta * b).collect();
		}
		Ok(())
	}

	fn add(&mut self, node: &Node) -> Result<(), QuantizeError> {
		if node.inputs.len() != 2 {
			return Err(refuse(node, "it must have two inputs"));
		}
		let at = usize::from(node.inputs[0] == self.at);
		let columns = match self.layers.last() {
			Some(last) if !last.relu => last.columns,
			_ => {
				return Err(refuse(node, "a constant can be added right after a dense layer only"))
			},
		};
		let row = self.row(node, at, columns)?;
		if let Some(last) = self.layers.last_mut() {
			last.bias.iter_mut().zip(row).for_each(|(b, c)| *b += c);
		}
		Ok(())
	}

	fn constant(&self, node: &Node, at: usize) -> Result<(&'a Tensor, &'a [f32]), QuantizeError> {
		let name = node.inputs.get(at).map_or("", String::as_str);
		match self.model.constants.get(name) {
			Some(tensor) => match &tensor.data {
				Data::F32(data) if data.iter().all(|x| x.is_finite()) => Ok((tensor, data)),
				Data::F32(_) => Err(refuse(node, "a weight is infinite or not a number")),
				_ => Err(refuse(
					node,
					format!("its constant is {}, must be float", tensor.type_name()),
				)),
			},
			None => Err(refuse(node, format!("its input {at} must be a constant"))),
		}
	}

	/// A constant that is broadcast to one row.
	fn row(&self, node: &Node, at: usize, columns: usize) -> Result<Vec<f64>, QuantizeError> {
		let (tensor, data) = self.constant(node, at)?;
		match (&tensor.dims[..], data) {
			([] | [1] | [1, 1], [one]) => Ok(vec![f64::from(*one); columns]),
			([n] | [1, n], _) if *n == columns => Ok(data.iter().map(|&x| f64::from(x)).collect()),
			(dims, _) => Err(refuse(
				node,
				format!("its constant has dimensions {dims:?}, must be one or [{columns}]"),
			)),
		}
	}

	/// The constant second operand of a product: row-major weights and their columns.
	fn weights(&self, node: &Node, transposed: bool) -> Result<(Vec<f64>, usize), QuantizeError> {
		if node.inputs[0] != self.at {
			return Err(refuse(node, "its first input must be the result before it"));
		}
		let (tensor, data) = self.constant(node, 1)?;
		let &[rows, columns] = &tensor.dims[..] else {
			return Err(refuse(node, format!("its weights are {:?}, not a matrix", tensor.dims)));
		};
		if !transposed {
			return Ok((data.iter().map(|&x| f64::from(x)).collect(), columns));
		}
		let weights =
			(0..data.len()).map(|k| f64::from(data[k % rows * columns + k / rows])).collect();
		Ok((weights, rows))
	}

	fn dense(
		&mut self,
		node: &Node,
		(mut weights, columns): (Vec<f64>, usize),
		alpha: f64,
	) -> Result<(), QuantizeError> {
		let rows = weights.len() / columns;
		if self.shape != [rows] {
			return Err(refuse(
				node,
				format!("activations {:?} meet {rows} rows of weights", self.shape),
			));
		}
		weights.iter_mut().for_each(|w| *w *= alpha);
		self.layers.push(Dense { columns, weights, bias: vec![0.0; columns], relu: false });
		self.shape = vec![columns];
		Ok(())
	}
}

fn refuse(node: &Node, reason: impl Into<String>) -> QuantizeError {
	QuantizeError::Node {
		node: node.name.clone(),
		operator: node.operator.clone(),
		reason: reason.into(),
	}
}
