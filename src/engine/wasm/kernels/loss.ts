/**
 * Kernels of the two losses: softmax cross-entropy with its gradient and the number of correct predictions, and the
 * loss Σ cotangent·logits with a given cotangent.
 */
import { batch } from './lanes'

/**
 * Computes the mean softmax cross-entropy over the batch and its gradient wrt the logits. With label smoothing s, class
 * weights w and target t = (1 − s)·onehot + s / classes:
 *   loss = Σ_n Σ_c w_c · t_nc · −log p_nc / Σ_n w_label(n).
 * With all w = 1, the bits are those of the mean without weights, because multiplication by 1 is exact and (1 − s) + s
 * rounds to 1.
 * @param logits [batch, channels]; the first `classes` channels are logits, the others pad to a multiple of 4
 * @param gradient overwritten with weight / Σ_n w_label(n) · (softmax · Σ_c w_c·t_c − w·t); 0 in the padding channels
 * @param weight factor by which the loss of this head is multiplied
 * @param smoothing address of s, a double
 * @param classWeights address of w, a double for each class
 * @param tally address of three doubles [loss, correct, correct5]; the loss grows by weight·(mean over the batch)
 * @param count 1: also count correct predictions; 0: only the loss
 */
export function crossEntropy(
  logits: usize,
  labels: usize,
  gradient: usize,
  classes: i32,
  channels: i32,
  smoothing: usize,
  classWeights: usize,
  weight: f64,
  tally: usize,
  count: i32,
): void {
  const smooth = load<f64>(smoothing)
  let labelWeights: f64 = 0
  for (let n = 0; n < batch; n++) {
    labelWeights += load<f64>(classWeights + (usize(load<i32>(labels + (usize(n) << 2))) << 3))
  }
  const share = weight / labelWeights
  const stride = usize(channels) << 2
  const end = usize(classes) << 2
  let meanWeight: f64 = 0
  for (let at: usize = 0; at < end; at += 4) meanWeight += load<f64>(classWeights + (at << 1))
  meanWeight /= f64(classes)
  memory.fill(gradient, 0, stride * usize(batch))
  let loss: f64 = 0
  for (let n = 0; n < batch; n++) {
    const row = logits + usize(n) * stride
    const result = gradient + usize(n) * stride
    const label = usize(load<i32>(labels + (usize(n) << 2))) << 2
    let largest = -f64.MAX_VALUE
    for (let at: usize = 0; at < end; at += 4) largest = max(largest, f64(load<f32>(row + at)))
    let total: f64 = 0
    let sum: f64 = 0
    for (let at: usize = 0; at < end; at += 4) {
      const z = f64(load<f32>(row + at)) - largest
      total += Math.exp(z)
      sum += load<f64>(classWeights + (at << 1)) * z
    }
    const logTotal = Math.log(total)
    const own = f64(load<f32>(row + label)) - largest
    const ownWeight = load<f64>(classWeights + (label << 1))
    const targetWeight = (1 - smooth) * ownWeight + smooth * meanWeight
    loss += targetWeight * logTotal - (1 - smooth) * ownWeight * own - (smooth * sum) / f64(classes)
    for (let at: usize = 0; at < end; at += 4) {
      const p = Math.exp(f64(load<f32>(row + at)) - largest) / total
      const target = (at == label ? 1 - smooth : 0) + smooth / f64(classes)
      const weighted = load<f64>(classWeights + (at << 1)) * target
      store<f32>(result + at, f32(share * (p * targetWeight - weighted)))
    }
    if (count) countAnswers(row, label, end, tally)
  }
  store<f64>(tally, load<f64>(tally) + share * loss)
}

/**
 * Adds Σ cotangent·logits to the loss, for a given cotangent [batch, classes], and writes the gradient wrt the logits:
 * the cotangent itself, and zeros in the channels that pad `classes` to a multiple of 4.
 */
export function cotangent(
  logits: usize,
  labels: usize,
  gradient: usize,
  classes: i32,
  channels: i32,
  given: usize,
  tally: usize,
): void {
  const stride = usize(channels) << 2
  const end = usize(classes) << 2
  memory.fill(gradient, 0, stride * usize(batch))
  let total: f64 = 0
  for (let n = 0; n < batch; n++) {
    const row = logits + usize(n) * stride
    for (let at: usize = 0; at < end; at += 4) {
      const g = load<f32>(given + usize(n) * end + at)
      store<f32>(gradient + usize(n) * stride + at, g)
      total += f64(g) * f64(load<f32>(row + at))
    }
    countAnswers(row, usize(load<i32>(labels + (usize(n) << 2))) << 2, end, tally)
  }
  store<f64>(tally, load<f64>(tally) + total)
}

/**
 * Counts one sample as correct or top-5 correct by the rank of its label's logit: rank 1 is correct, ranks 1 to 5 are
 * top-5 correct. Of equal logits the lower class comes first.
 */
function countAnswers(row: usize, label: usize, end: usize, tally: usize): void {
  const own = load<f32>(row + label)
  if (own != own) return
  let ahead = 0
  for (let at: usize = 0; at < end; at += 4) {
    const z = load<f32>(row + at)
    ahead += i32(z > own || (z == own && at < label))
  }
  if (ahead == 0) store<f64>(tally, load<f64>(tally, 8) + 1, 8)
  if (ahead < 5) store<f64>(tally, load<f64>(tally, 16) + 1, 16)
}
