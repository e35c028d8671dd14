/**
 * The papers' search on a laptop: DrNAS' rates, batch size and step order on two halves of all training images; only the
 * network, the image size and the number of epochs are reduced. Ten minutes of one core a search on NAS-Bench-201.
 *
 * Each seed draws its halves, where DrNAS' code cuts CIFAR-10 in the order of its files: this protocol also runs on images
 * in class folders, whose order would leave each half with five of the ten classes.
 */
import { dartsPaper } from './dartsPaper.ts'
import { drnasPaper } from './drnasPaper.ts'
import { transferHeadline } from './headlines.ts'
import { from, type Preset } from './preset.ts'

const reduced = from('reduced for two cores: the published searches have C=16 N=5 and images of 32×32')
const half = from('reduced for two cores: a crop of 2 pixels on 16×16 is the published one of 4 on 32×32')
const dartsEpochs = from('quark0/darts: cnn/train_search.py; DrNAS has 100, weight-sharing methods have up to 250')
const { values } = drnasPaper

export const laptop: Preset = {
  name: 'laptop',
  reduced: true,
  description: 'the papers’ rates and halves, 50 epochs; reduced for two cores: C=4 N=1, images of 16×16',
  values: {
    ...values,
    epochs: dartsEpochs(50),
    network: { ...values.network, channels: reduced(4), depth: reduced(1) },
    data: { ...values.data, imageSize: reduced(16), cropPadding: half(2) },
    headline: transferHeadline,
  },
  bySpace: {
    darts: {
      weights: dartsPaper.values.weights,
      architecture: dartsPaper.values.architecture,
      network: { channels: reduced(4), depth: reduced(5) },
    },
  },
}
