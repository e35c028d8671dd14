import { describe, expect, test } from 'vitest'
import { classWeightsText, orderedClassWeights, parseClassWeights } from '../../src/core/classWeights.ts'

describe('class weights', () => {
  test.each([
    ['balanced', 'balanced'],
    ['none', 'none'],
    ['cat=2,dog=0.5', { cat: 2, dog: 0.5 }],
    ['cat:2+dog:0.5', { cat: 2, dog: 0.5 }],
    [' cat = 1e-3 , dog = 1 ', { cat: 0.001, dog: 1 }],
    ['cats, small=2,a=b=3,c+d=4,e:f=5', { 'cats, small': 2, 'a=b': 3, 'c+d': 4, 'e:f': 5 }],
  ])('are read from %j, also where names contain separators', (text, expected) => {
    const weights = parseClassWeights(text)
    expect(weights).toEqual(expected)
    expect(parseClassWeights(classWeightsText(weights))).toEqual(expected)
  })

  test.each([
    ['balnced', /^class weights "balnced": expected balanced, none, or a weight for each class, as cat=2,dog=0.5$/],
    ['', /expected balanced, none, or/],
    ['cat=2,dog', /expected balanced, none, or/],
    ['cat=2,', /expected balanced, none, or/],
    ['=2', /expected balanced, none, or/],
    ['cat=', /^class weights: the weight of class "cat" is no number; expected a number from 0.000001 to 1000000$/],
    ['cat=1,dog=two', /class "dog" is no number/],
    ['cat=1,dog=-1', /class "dog" is -1; expected/],
    ['cat=0,dog=1', /class "cat" is 0; expected/],
    ['cat=Infinity,dog=1', /class "cat" is Infinity; expected/],
    ['cat=1,cat=2', /^class weights has cat twice/],
  ])('are refused in one line where they are %j', (text, message) => {
    expect(() => parseClassWeights(text)).toThrow(message)
  })

  test('are put in the order of the classes, whose names they must be', () => {
    expect(orderedClassWeights({ b: 2, a: 1 }, ['a', 'b'])).toEqual([1, 2])
    expect(() => orderedClassWeights({ cat: 1, dgo: 2 }, ['cat', 'dog'])).toThrow(
      /^unknown class in the class weights: "dgo"; did you mean "dog"\? \(known: cat, dog\)$/,
    )
    expect(() => orderedClassWeights({ dog: 2 }, ['cat', 'dog', 'elk'])).toThrow(
      'class weights: no weight for class "cat" and 1 more; state one for each class',
    )
  })
})
