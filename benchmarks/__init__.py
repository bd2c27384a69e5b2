"""What Ardoise is measured against, side by side in one run: ``python -m benchmarks``.

The rules, the same for everybody:

- Every contestant trains in a process of its own; rounds of all contestants follow one
  another (A B C, A B C, …), and ratios are those of the medians over the rounds.
- Everybody may use all processors. Each peer also runs with one thread and gets the
  better of the two; Ardoise runs as `ardoise.fit` is called without saying anything,
  except where a row is about threads, or one image asks for one.
- PyTorch gets the better of its two memory formats for images, too.
- Peers run in the form that suits them best: data in memory in the form they like
  (converted before the clock starts), compiled and warmed up, nothing measured along
  the way. Ardoise reads bytes, converts each batch and keeps count of its accuracy.
- PyTorch runs without ``torch.compile``, which needs a C++ compiler on the machine.
- What was learned is checked too: every contestant's accuracy stands beside its speed;
  those that only answer have the same weights, and must give the same answers.
"""
