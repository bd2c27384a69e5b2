// @ts-check
/**
 * A trained network in one ES module, written by ardoise @VERSION@. It needs nothing else.
 *
 *     import { CLASSES, predict, predictProba } from "./@FILE@";
 *
 *     predictProba(image)       // the probability of each of @N_CLASSES@ classes
 *     CLASSES[predict(image)]   // the name of the most probable one
 *
@ABOUT@
 * An image has the shape @SHAPE@. (Node takes a file for a module if it
 * ends with .mjs, or beside a package.json that says "type": "module".)
 */

/** @type {readonly string[]} */
export const CLASSES = @CLASSES@;

/** @type {readonly number[]} */
export const INPUT_SHAPE = @INPUT_SHAPE@;

/**
 * The number of the most probable class.
 * @param {ArrayLike<number>} image
 */
export function predict(image) {
  const p = predictProba(image);
  return p.indexOf(Math.max(...p));
}

@CORE@
