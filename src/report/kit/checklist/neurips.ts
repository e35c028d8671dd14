/** The questions of the NeurIPS paper checklist (2024 and later), each with how the records answer it. */
import { authors, cite, computeReply, detailsReply, type Item, severalSeeds, yesExcept } from './replies.ts'

export const NEURIPS: readonly Item[] = [
  {
    question: 'Do the main claims match the results?',
    answer: (facts) =>
      facts.claims === undefined
        ? ['No', 'No claims with rules were written down (`--claims`), so the records cannot be held against any.']
        : [
            'Partly',
            `${facts.claims} ${facts.files.has('claims.md') ? 'claims.md has them.' : '`bench report` shows them, with their rules.'}`,
          ],
  },
  {
    question: 'Are the limitations discussed?',
    answer: ({ reductions, caveats }) => [
      'For the authors',
      reductions.length + caveats.length === 0
        ? 'The records show none: the runs are complete, and no protocol or budget is below the papers’.'
        : ['Limitations that the records show:', ...reductions.map((each) => `${each}.`), ...caveats].join(' '),
    ],
  },
  {
    question: 'Are theoretical results given with assumptions and proofs?',
    answer: () => ['Not applicable', 'Runs prove nothing; if the paper has theory, it is for the authors.'],
  },
  { question: 'Is everything disclosed that is needed to reproduce the results?', answer: detailsReply },
  {
    question: 'Are data and code open, with instructions?',
    answer: (facts) =>
      yesExcept(facts, ['imported', 'plugin'], (every) => {
        const { datasets, tables, files } = facts
        const records = ['runs.jsonl.gz', 'runs'].filter((name) => files.has(name))
        const tableText = tables.length > 0 ? `; tables: ${tables.join(', ')}` : ''
        return `The program, with the code of ${every}, is open source (MIT). ${cite(facts, 'reproduce.sh', 'has the commands')} Data: ${datasets.join(', ')}${tableText}.${records.length > 0 ? ` Records: ${records.join(', ')}.` : ''}`
      }),
  },
  {
    question: 'Are all training and test details specified?',
    answer: (facts) =>
      yesExcept(
        facts,
        ['edited', 'imported', 'plugin'],
        (every) =>
          `The protocol of ${every} (${facts.protocols.join(', ')}) is in its record, with splits and optimisers. ${cite(facts, 'hyperparameters.md', 'lists every value with the source that it was chosen by')}`,
      ),
  },
  {
    question: 'Are error bars or significance reported, and defined?',
    answer: (facts) =>
      severalSeeds(
        facts,
        ['failed', 'unfinished', 'edited', 'imported'],
        "; mean ± sample standard deviation (ddof 1) over the finished seeds, 95 % t intervals, paired tests with Holm's correction. The variation is that of initial weights, data order and sampling; the splits of the data are those of the protocol.",
      ),
  },
  { question: 'Are the compute resources reported?', answer: computeReply },
  authors('Does the research conform to the code of ethics?'),
  authors('Are broader impacts discussed?'),
  {
    question: 'Are safeguards described for models or data with a high risk of misuse?',
    answer: () => ['Not applicable', 'The runs release architectures of image classifiers.'],
  },
  {
    question: 'Are existing assets credited, with their licences?',
    answer: (facts) => {
      const { licences } = facts
      const unknown = licences.filter(({ licence }) => licence === undefined).map(({ name }) => name)
      return yesExcept(
        facts,
        ['imported', 'plugin'],
        () =>
          `${licences.map(({ name, licence = 'licence not known to this program', credit }) => `${name}: ${licence}${credit === undefined ? '' : ` (${credit})`}`).join('; ')}.`,
        unknown.length > 0 ? [`This program does not know the licence of ${unknown.join(', ')}.`] : [],
      )
    },
  },
  {
    question: 'Are new assets documented?',
    answer: (facts) =>
      yesExcept(
        facts,
        ['edited', 'plugin'],
        () =>
          `The records have a documented form (docs/reports.md), and ${facts.files.has('report.json') ? '`bench verify .` in the folder of the report recomputes what it shows' : '`bench verify FOLDER` checks them and the reports that are computed'} from them.`,
      ),
  },
  {
    question: 'Are instructions to and payment of crowd workers given?',
    answer: () => ['Not applicable', 'No person took part in these runs.'],
  },
  {
    question: 'Was research with human subjects approved?',
    answer: () => ['Not applicable', 'No person took part in these runs.'],
  },
  authors('Is the use of large language models declared?'),
]
