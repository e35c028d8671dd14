/**
 * Fills in checklists of conferences and of good practice from the records of runs. Each answer names its evidence;
 * without evidence the answer is No. Questions that only authors can answer are left open.
 */
import { pluralize } from '../../../core/plainText.ts'
import { type Evidence, factsOf } from './facts.ts'
import { NEURIPS } from './neurips.ts'
import { NAS } from './practices.ts'

/** The checklists by name, each with its title, the document that it comes from, and its questions. */
export const checklists = {
  neurips: {
    title: 'NeurIPS paper checklist',
    about: 'the paper checklist of NeurIPS (2024 and later)',
    items: NEURIPS,
  },
  nas: {
    title: 'Best practices for research on NAS',
    about: 'Lindauer and Hutter: Best Practices for Scientific Research on Neural Architecture Search, JMLR 2020',
    items: NAS,
  },
} as const

export type ChecklistName = keyof typeof checklists

/** Returns a filled-in checklist as Markdown. */
export function checklistText(name: ChecklistName, evidence: Evidence): string {
  const facts = factsOf(evidence)
  const { title, about, items } = checklists[name]
  const answers = items.map(({ question, answer }, i) => {
    const [short, why] = answer(facts)
    return `${i + 1}. **${question}**  \n   ${short}. ${why}`
  })
  return [
    `# ${title}`,
    '',
    `Answers that the records of ${pluralize(evidence.runs.length, 'run')} can give to ${about}; written by \`bench report --checklist ${name}\`. *For the authors* marks what no record can say.`,
    '',
    ...(facts.caveats.length > 0
      ? ['**Before these answers are used:**', '', ...facts.caveats.map((caveat) => `* ${caveat}`), '']
      : []),
    answers.join('\n\n'),
    '',
  ].join('\n')
}
