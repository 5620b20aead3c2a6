"""Every example, run on a real engine as its lesson tells the learner to, shows what its ``expect`` and the lesson say."""
